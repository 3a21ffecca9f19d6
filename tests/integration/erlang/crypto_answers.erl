%% SPDX-License-Identifier: Apache-2.0
%% crypto:start(), and OpenSSL's answers: published ones for hashes, round trips for the rest, from many processes at once.
-module(crypto_answers).
-export([main/0]).

main() ->
    io:format("start: ~p~n", [crypto:start()]),
    known(md5, "abc", "900150983cd24fb0d6963f7d28e17f72"),
    known(sha, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    known(sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    known(sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    io:format("sha512: ~s~n", [hex(crypto:hash(sha512, binary:copy(<<"a">>, 1000000)))]),
    io:format("sha3: ~s~n", [hex(crypto:hash(sha3_256, "abc"))]),
    io:format("hmac: ~s~n", [hex(crypto:mac(hmac, sha256, "key", "The quick brown fox jumps over the lazy dog"))]),
    Stream = lists:foldl(fun(N, S) -> crypto:hash_update(S, <<N:32>>) end, crypto:hash_init(sha256), lists:seq(1, 10000)),
    io:format("in pieces: ~s~n", [hex(crypto:hash_final(Stream))]),
    Results = parallel([fun() -> cipher(N) end || N <- lists:seq(1, 50)]),
    io:format("ciphers in 50 processes: ~p~n", [erlang:phash2(Results)]),
    {Public, Private} = crypto:generate_key(ecdh, x25519),
    {Public2, Private2} = crypto:generate_key(ecdh, x25519),
    io:format("same secret: ~p~n", [crypto:compute_key(ecdh, Public2, Private, x25519) =:= crypto:compute_key(ecdh, Public, Private2, x25519)]),
    {SignPublic, SignPrivate} = crypto:generate_key(eddsa, ed25519),
    Signature = crypto:sign(eddsa, none, <<"text">>, [SignPrivate, ed25519]),
    io:format("signatures: ~p ~p~n", [crypto:verify(eddsa, none, <<"text">>, Signature, [SignPublic, ed25519]),
                                      crypto:verify(eddsa, none, <<"Text">>, Signature, [SignPublic, ed25519])]),
    Random = [crypto:strong_rand_bytes(16) || _ <- lists:seq(1, 1000)],
    io:format("random: ~p different~n", [length(lists:usort(Random))]).

known(Type, Text, Answer) ->
    case hex(crypto:hash(Type, Text)) of
        Answer -> io:format("~p(~p) is right~n", [Type, Text]);
        Other -> io:format("~p(~p) is ~s~n", [Type, Text, Other])
    end.

cipher(N) ->
    Key = <<N:256>>, Iv = <<N:96>>, Text = binary:copy(<<N:32>>, 20000),
    {Sealed, Tag} = crypto:crypto_one_time_aead(aes_256_gcm, Key, Iv, Text, <<"more">>, true),
    Text = crypto:crypto_one_time_aead(aes_256_gcm, Key, Iv, Sealed, <<"more">>, Tag, false),
    error = crypto:crypto_one_time_aead(aes_256_gcm, Key, Iv, Sealed, <<"less">>, Tag, false),
    {N, Tag, erlang:md5(crypto:crypto_one_time(chacha20, Key, <<N:128>>, Text, true))}.

parallel(Funs) ->
    Main = self(),
    [receive {Pid, Result} -> Result end || Pid <- [spawn_link(fun() -> Main ! {self(), Fun()} end) || Fun <- Funs]].

hex(Binary) -> lists:flatten([io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= Binary]).
